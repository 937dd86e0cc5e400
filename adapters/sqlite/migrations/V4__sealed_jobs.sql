-- What jobs keep sealed under the hub's own key ring: deliveries that could not be read, and who asked for a message.
DROP INDEX jobs_deliveries;
CREATE INDEX jobs_sealed ON jobs (id) WHERE kind IN ('unparsed', 'fetch_message');
