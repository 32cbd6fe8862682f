DROP TABLE audit_purged_ranges;
DROP TABLE audit_checkpoints;
DROP TABLE audit_chain;
DROP INDEX audit_events_class;
DROP INDEX audit_events_sequence;
ALTER TABLE audit_events DROP COLUMN hash;
ALTER TABLE audit_events DROP COLUMN salt;
ALTER TABLE audit_events DROP COLUMN class;
ALTER TABLE audit_events DROP COLUMN sequence;
