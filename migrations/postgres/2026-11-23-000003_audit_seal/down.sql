ALTER TABLE audit_chain DROP COLUMN seal;
ALTER TABLE audit_chain DROP COLUMN checkpoints;
