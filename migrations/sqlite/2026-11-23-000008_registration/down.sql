DROP TRIGGER grants_use_client_registration;
DROP TABLE registration_tokens;
DROP TABLE client_registrations;
