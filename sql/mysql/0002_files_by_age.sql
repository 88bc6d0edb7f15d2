-- Files in order of their age: the clean-up looks at what became old enough since it last looked, and at nothing else.
-- Works with code from: 0001

CREATE INDEX file_age ON file (created_at);
