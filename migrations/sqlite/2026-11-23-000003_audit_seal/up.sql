-- The end of the chain gets the number of the last checkpoint, and a seal over both: a MAC under a key derived from the root
-- key, null where none holds. The server seals what it finds in the start that runs this migration, and never again.
ALTER TABLE audit_chain ADD COLUMN checkpoints INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit_chain ADD COLUMN seal BLOB;

UPDATE audit_chain SET checkpoints = COALESCE((SELECT MAX(number) FROM audit_checkpoints), 0);
