-- Rejected events by what authorised them: they are judged again when one of those is accepted after all.
CREATE INDEX events_rejected_by_auth ON events USING gin (auth_nids) WHERE status = 2;
