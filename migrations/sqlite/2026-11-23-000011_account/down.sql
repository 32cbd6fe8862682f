DROP TABLE personal_tokens;
DROP INDEX login_sessions_created_at;
ALTER TABLE login_sessions DROP COLUMN user_agent;
ALTER TABLE login_sessions DROP COLUMN address;
ALTER TABLE login_sessions DROP COLUMN last_used_at;
