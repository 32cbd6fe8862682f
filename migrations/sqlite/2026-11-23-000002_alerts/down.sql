DROP TABLE webhook_deliveries;
DROP TABLE alert_silences;
DROP TABLE alerts;
