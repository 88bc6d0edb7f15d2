// The HTTP operations. Every call is a POST of one protobuf message to a path of its own; the answer carries success and errmsg.
import { decode, encode } from "./codec.js";
import { newId } from "./ids.js";

/** The server said no, in words meant for the person. */
export class Refused extends Error {}

/** The login session has ended. */
export class SessionOver extends Refused {}

/** No answer: the network or the server is away, or it is too busy. May be tried again. */
export class Unreachable extends Error {
  /** `words` are the server's, if it had any. */
  constructor(message, words = "") {
    super(message);
    this.words = words;
  }
}

const PATHS = {
  UserRegister: "/service/user/username_register",
  UserLogin: "/service/user/username_login",
  GetUserInfo: "/service/user/get_user_info",
  SetUserAvatar: "/service/user/set_avatar",
  SetUserNickname: "/service/user/set_nickname",
  SetUserDescription: "/service/user/set_description",
  Logout: "/service/user/logout",
  ChangePassword: "/service/user/change_password",
  GetFriendList: "/service/friend/get_friend_list",
  FriendSearch: "/service/friend/search_friend",
  FriendAdd: "/service/friend/add_friend_apply",
  FriendAddProcess: "/service/friend/add_friend_process",
  FriendRemove: "/service/friend/remove_friend",
  GetPendingFriendEventList: "/service/friend/get_pending_friend_events",
  GetConversations: "/service/friend/get_conversations",
  ChatSessionCreate: "/service/friend/create_chat_session",
  RenameChatSession: "/service/friend/rename_chat_session",
  GetChatSessionMember: "/service/friend/get_chat_session_member",
  ChatSessionAddMember: "/service/friend/chat_session_add_member",
  ChatSessionRemoveMember: "/service/friend/chat_session_remove_member",
  NewMessage: "/service/message_transmit/new_message",
  Sync: "/service/message_storage/sync",
  MarkRead: "/service/message_storage/mark_read",
  GetPage: "/service/message_storage/get_page",
  SearchMessages: "/service/message_storage/search_messages",
  GetSingleFile: "/service/file/get_single_file",
};

const TEMPORARY = /暂不可用|过于频繁|稍后再试|稍后重试|繁忙/;
const NO_SESSION = "登录已失效，请重新登录";
const TIMEOUT = 30000;
const TIMEOUT_PER_BYTE = 0.1; // 10 kB/s is the slowest link a big file is waited for

export class Api {
  constructor() {
    this.sessionId = "";
    this.onSessionOver = () => {};
  }

  /** Calls an operation. Raises Refused with the server's words, SessionOver, or Unreachable. */
  async call(operation, fields = {}) {
    const { sessionId } = this;
    const body = encode(`${operation}Req`, { requestId: newId(), sessionId, ...fields });
    let answer;
    try {
      const response = await fetch(PATHS[operation], {
        method: "POST",
        headers: { "Content-Type": "application/x-protobuf" },
        body,
        cache: "no-store",
        signal: AbortSignal.timeout(TIMEOUT + body.length * TIMEOUT_PER_BYTE),
      });
      if (!response.ok) throw new Unreachable(`HTTP ${response.status}`);
      answer = decode(`${operation}Rsp`, new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      if (error instanceof Unreachable) throw error;
      throw new Unreachable(String(error?.message ?? error));
    }
    if (answer.success) return answer;
    if (TEMPORARY.test(answer.errmsg)) throw new Unreachable(answer.errmsg, answer.errmsg);
    if (answer.errmsg === NO_SESSION) {
      if (sessionId === this.sessionId) this.onSessionOver();
      throw new SessionOver(answer.errmsg);
    }
    throw new Refused(answer.errmsg);
  }
}

/** {websocketPort}, from the gateway that served this page. */
export async function readConfig() {
  const response = await fetch("/config.json", { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (!response.ok) throw new Unreachable(`HTTP ${response.status}`);
  return response.json();
}
