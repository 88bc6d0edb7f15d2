-- The tables of a chat system. Times are Unix milliseconds. Every check-then-insert of the services is backed by a unique
-- key here, so that two requests at once cannot both pass the check.
--
-- Texts compare byte for byte, trailing spaces included, as they do on SQLite. The collation that does so has another name
-- on each server; each executes only the comment that is meant for it.

CREATE TABLE user (
    id              BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id         VARCHAR(64)   NOT NULL UNIQUE,
    nickname        VARCHAR(64)   NOT NULL UNIQUE,
    nickname_folded VARCHAR(512)  NOT NULL,              -- NFKC and case-folded, for substring search
    description     VARCHAR(1024) NOT NULL DEFAULT '',
    password_hash   VARCHAR(255),                        -- argon2id; NULL for an account registered by phone
    phone           VARCHAR(32)   UNIQUE,
    avatar_id       VARCHAR(64),
    created_at      BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

CREATE TABLE login_session (
    token_hash VARCHAR(64) NOT NULL PRIMARY KEY,         -- SHA-256 of the token, so that a copy of the database opens no account
    user_id    VARCHAR(64) NOT NULL,
    created_at BIGINT      NOT NULL,
    expires_at BIGINT      NOT NULL,
    INDEX login_session_user (user_id),
    INDEX login_session_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

CREATE TABLE relation (
    user_id    VARCHAR(64) NOT NULL,                     -- two rows per friendship
    peer_id    VARCHAR(64) NOT NULL,
    created_at BIGINT      NOT NULL,
    PRIMARY KEY (user_id, peer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

CREATE TABLE friend_apply (
    id         BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_id   VARCHAR(64) NOT NULL UNIQUE,
    user_id    VARCHAR(64) NOT NULL,                     -- who asks
    peer_id    VARCHAR(64) NOT NULL,                     -- who is asked
    created_at BIGINT      NOT NULL,
    UNIQUE (user_id, peer_id),
    INDEX friend_apply_peer (peer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

CREATE TABLE chat_session (
    id                BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    chat_session_id   VARCHAR(64)  NOT NULL UNIQUE,
    chat_session_name VARCHAR(255) NOT NULL DEFAULT '',
    chat_session_type INTEGER      NOT NULL,             -- 1 one-to-one, 2 group
    pair_key          VARCHAR(129) UNIQUE,               -- one-to-one: both user ids in order, joined by a space; else NULL
    owner_id          VARCHAR(64)  NOT NULL DEFAULT '',
    last_seq          BIGINT       NOT NULL DEFAULT 0,
    member_version    BIGINT       NOT NULL DEFAULT 1,   -- grows with every change of membership
    last_message_at   BIGINT       NOT NULL DEFAULT 0,
    created_at        BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

CREATE TABLE chat_session_member (
    chat_session_id VARCHAR(64) NOT NULL,
    user_id         VARCHAR(64) NOT NULL,
    read_seq        BIGINT      NOT NULL DEFAULT 0,      -- never decreases
    joined_at       BIGINT      NOT NULL,
    PRIMARY KEY (chat_session_id, user_id),
    INDEX chat_session_member_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

CREATE TABLE message (
    id           BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    message_id   VARCHAR(64)  NOT NULL UNIQUE,
    session_id   VARCHAR(64)  NOT NULL,                  -- the conversation, chat_session.chat_session_id
    seq          BIGINT       NOT NULL,                  -- 1, 2, 3 … within the conversation
    user_id      VARCHAR(64)  NOT NULL,                  -- the sender
    message_type INTEGER      NOT NULL,                  -- MessageType of services/protocol/base.proto
    create_time  BIGINT       NOT NULL,
    content      MEDIUMTEXT,                             -- of a text message
    search_text  MEDIUMTEXT,                             -- NFKC and case-folded content or transcript where that differs from content
    transcript   MEDIUMTEXT,                             -- of a voice message, once recognised
    file_id      VARCHAR(64),
    file_name    VARCHAR(255),
    file_size    BIGINT,
    request_id   VARCHAR(64),                            -- the sender's deduplication key; NULL if the client sent none
    body_hash    VARBINARY(64),                          -- SHA-256 of the request's content, to tell a repetition from another message
    UNIQUE (session_id, seq),
    UNIQUE (user_id, request_id),
    INDEX message_file (file_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

CREATE TABLE file (
    id         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    file_id    VARCHAR(64)  NOT NULL UNIQUE,
    user_id    VARCHAR(64)  NOT NULL,                    -- who stored it
    request_id VARCHAR(64),                              -- the same sender and request give the same file
    file_name  VARCHAR(255) NOT NULL DEFAULT '',
    file_size  BIGINT       NOT NULL,                    -- bytes, counted by the server
    sha256     VARCHAR(64)  NOT NULL,
    created_at BIGINT       NOT NULL,
    UNIQUE (user_id, request_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

-- Events that are to reach the queue, written in the transaction of what they tell of.
CREATE TABLE outbox (
    id         BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    topic      VARCHAR(64) NOT NULL,
    event      MEDIUMBLOB  NOT NULL,
    created_at BIGINT      NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;

-- `epoch`: a random word that a restore to an older state replaces, so that clients drop their sequence numbers.
CREATE TABLE setting (
    name  VARCHAR(64) NOT NULL PRIMARY KEY,
    value MEDIUMTEXT  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */;
