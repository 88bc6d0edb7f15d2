-- The tables of a chat system. Times are Unix milliseconds. Every check-then-insert of the services is backed by a unique
-- key here, so that two requests at once cannot both pass the check.

CREATE TABLE user (
    id              INTEGER PRIMARY KEY,
    user_id         TEXT    NOT NULL UNIQUE,
    nickname        TEXT    NOT NULL UNIQUE,
    nickname_folded TEXT    NOT NULL,           -- NFKC and case-folded, for substring search
    description     TEXT    NOT NULL DEFAULT '',
    password_hash   TEXT,                       -- argon2id; NULL for an account registered by phone
    phone           TEXT    UNIQUE,
    avatar_id       TEXT,
    created_at      INTEGER NOT NULL
);

CREATE TABLE login_session (
    token_hash TEXT    NOT NULL PRIMARY KEY,    -- SHA-256 of the token, so that a copy of the database opens no account
    user_id    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX login_session_user ON login_session (user_id);
CREATE INDEX login_session_expiry ON login_session (expires_at);

CREATE TABLE relation (
    user_id    TEXT    NOT NULL,                -- two rows per friendship
    peer_id    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, peer_id)
) WITHOUT ROWID;

CREATE TABLE friend_apply (
    id         INTEGER PRIMARY KEY,
    event_id   TEXT    NOT NULL UNIQUE,
    user_id    TEXT    NOT NULL,                -- who asks
    peer_id    TEXT    NOT NULL,                -- who is asked
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, peer_id)
);
CREATE INDEX friend_apply_peer ON friend_apply (peer_id);

CREATE TABLE chat_session (
    id                INTEGER PRIMARY KEY,
    chat_session_id   TEXT    NOT NULL UNIQUE,
    chat_session_name TEXT    NOT NULL DEFAULT '',
    chat_session_type INTEGER NOT NULL,         -- 1 one-to-one, 2 group
    pair_key          TEXT    UNIQUE,           -- one-to-one: both user ids in order, joined by a space; else NULL
    owner_id          TEXT    NOT NULL DEFAULT '',
    last_seq          INTEGER NOT NULL DEFAULT 0,
    member_version    INTEGER NOT NULL DEFAULT 1, -- grows with every change of membership
    last_message_at   INTEGER NOT NULL DEFAULT 0,
    created_at        INTEGER NOT NULL
);

CREATE TABLE chat_session_member (
    chat_session_id TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    read_seq        INTEGER NOT NULL DEFAULT 0, -- never decreases
    joined_at       INTEGER NOT NULL,
    PRIMARY KEY (chat_session_id, user_id)
) WITHOUT ROWID;
CREATE INDEX chat_session_member_user ON chat_session_member (user_id);

CREATE TABLE message (
    id           INTEGER PRIMARY KEY,
    message_id   TEXT    NOT NULL UNIQUE,
    session_id   TEXT    NOT NULL,              -- the conversation, chat_session.chat_session_id
    seq          INTEGER NOT NULL,              -- 1, 2, 3 … within the conversation
    user_id      TEXT    NOT NULL,              -- the sender
    message_type INTEGER NOT NULL,              -- MessageType of services/protocol/base.proto
    create_time  INTEGER NOT NULL,
    content      TEXT,                          -- of a text message
    search_text  TEXT,                          -- NFKC and case-folded content or transcript where that differs from content
    transcript   TEXT,                          -- of a voice message, once recognised
    file_id      TEXT,
    file_name    TEXT,
    file_size    INTEGER,
    request_id   TEXT,                          -- the sender's deduplication key; NULL if the client sent none
    body_hash    BLOB,                          -- SHA-256 of the request's content, to tell a repetition from another message
    UNIQUE (session_id, seq),
    UNIQUE (user_id, request_id)
);
CREATE INDEX message_file ON message (file_id) WHERE file_id IS NOT NULL;

CREATE TABLE file (
    id         INTEGER PRIMARY KEY,
    file_id    TEXT    NOT NULL UNIQUE,
    user_id    TEXT    NOT NULL,                -- who stored it
    request_id TEXT,                            -- the same sender and request give the same file
    file_name  TEXT    NOT NULL DEFAULT '',
    file_size  INTEGER NOT NULL,                -- bytes, counted by the server
    sha256     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, request_id)
);

-- Events that are to reach the queue, written in the transaction of what they tell of.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    topic      TEXT    NOT NULL,
    event      BLOB    NOT NULL,
    created_at INTEGER NOT NULL
);

-- `epoch`: a random word that a restore to an older state replaces, so that clients drop their sequence numbers.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
