DROP TABLE device_authorizations;
DROP TABLE pushed_requests;
DROP TABLE used_assertions;
ALTER TABLE client_secrets DROP COLUMN sealed;
