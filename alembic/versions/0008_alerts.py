"""Alerts: one open per subject, their trail, what is told of them, to whom, and how that went.

Revision: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SETTINGS = """
CREATE TABLE alert_settings (
    only_row            boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    clear_hold          interval NOT NULL DEFAULT '5 minutes'  CHECK (clear_hold >= '0'),
    dedupe_window       interval NOT NULL DEFAULT '30 minutes' CHECK (dedupe_window > '0'),
    repeat_interval     interval NOT NULL DEFAULT '4 hours'    CHECK (repeat_interval > '0'),
    snooze_default      interval NOT NULL DEFAULT '30 minutes' CHECK (snooze_default > '0'),
    snooze_max          interval NOT NULL DEFAULT '24 hours',
    escalate_after      interval NOT NULL DEFAULT '1 hour'     CHECK (escalate_after > '0'),
    escalation_levels   integer  NOT NULL DEFAULT 3            CHECK (escalation_levels >= 0),
    escalation_limit    interval NOT NULL DEFAULT '24 hours'   CHECK (escalation_limit > '0'),
    auto_resolve_after  interval NOT NULL DEFAULT '24 hours'   CHECK (auto_resolve_after > '0'),
    flapping_enter_pct  integer  NOT NULL DEFAULT 30           CHECK (flapping_enter_pct <= 100),
    flapping_leave_pct  integer  NOT NULL DEFAULT 25           CHECK (flapping_leave_pct >= 0),
    flapping_horizon    interval NOT NULL DEFAULT '2 hours'    CHECK (flapping_horizon > '0'),
    burst_limit         integer  NOT NULL DEFAULT 20           CHECK (burst_limit >= 1),
    burst_window        interval NOT NULL DEFAULT '5 minutes'  CHECK (burst_window > '0'),
    batch_every         interval NOT NULL DEFAULT '5 minutes'  CHECK (batch_every > '0'),
    digest_hour         integer  NOT NULL DEFAULT 7            CHECK (digest_hour BETWEEN 0 AND 23),
    digest_zone         text     NOT NULL DEFAULT 'UTC',
    CONSTRAINT a_default_snooze_is_allowed CHECK (snooze_default <= snooze_max),
    -- If there is no such zone, fails with an error that names it.
    CONSTRAINT the_zone_is_known
        CHECK ((TIMESTAMPTZ '2000-01-01 00:00Z' AT TIME ZONE digest_zone) IS NOT NULL),
    CONSTRAINT the_remark_itself_does_not_flap CHECK (flapping_leave_pct < flapping_enter_pct)
);
COMMENT ON TABLE alert_settings IS
    'One row: how long, how often, how many. Here, because people''s acts in SQL obey it as the
workers do. A worker follows a change within seconds.';
INSERT INTO alert_settings DEFAULT VALUES;
"""

ALERTS = """
CREATE TABLE alerts (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seller_id            text NOT NULL,
    marketplace_id       text NOT NULL,
    asin                 text NOT NULL,
    item_condition       text NOT NULL,
    kind                 text NOT NULL,
    subject_key          text NOT NULL GENERATED ALWAYS AS (
        seller_id || '|' || marketplace_id || '|' || asin || '|' || item_condition || '|' || kind
    ) STORED,
    severity             text NOT NULL,
    fingerprint          text NOT NULL GENERATED ALWAYS AS (
        asin || '|' || marketplace_id || '|' || severity
    ) STORED,

    condition            text NOT NULL DEFAULT 'firing',
    attention            text NOT NULL DEFAULT 'new',
    resolution           text,
    resolved_at          timestamptz,
    resolved_by          text,

    acknowledged_by      text,
    acknowledged_at      timestamptz,
    assignee             text,
    note                 text,
    snooze_until         timestamptz,
    snoozed_by           text,
    looked_at            timestamptz,

    first_seen           timestamptz NOT NULL,
    last_seen            timestamptz NOT NULL,
    last_event_time      timestamptz NOT NULL,
    occurrences          integer NOT NULL DEFAULT 1,
    below_critical_since timestamptz,
    below_high_since     timestamptz,
    below_warning_since  timestamptz,
    unknown_since        timestamptz,
    inhibited_by         text,
    still_true_since     timestamptz,

    delivered_at         timestamptz,
    last_told_at         timestamptz,
    waiting_since        timestamptz NOT NULL,
    timeout_from         timestamptz,
    escalation_level     integer NOT NULL DEFAULT 0,
    owed                 text,
    due_at               timestamptz,

    supersedes           bigint REFERENCES alerts (id) DEFERRABLE INITIALLY DEFERRED,
    superseded_by        bigint REFERENCES alerts (id) DEFERRABLE INITIALLY DEFERRED,

    flap_seen            jsonb NOT NULL DEFAULT '[]',
    unstable_since       timestamptz,
    flap_peak            text,

    profit_at_stake_per_day numeric,
    currency             text,
    facts                jsonb NOT NULL DEFAULT '{}',
    trace_id             text NOT NULL DEFAULT '',
    last_heard           text NOT NULL DEFAULT '',

    changed_in           xid8 NOT NULL DEFAULT pg_current_xact_id(),
    updated_at           timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT kind_is_known CHECK (kind IN (
        'price', 'buy-box-suppressed', 'pricing-health',
        'business-price', 'business-buy-box-suppressed', 'business-pricing-health'
    )),
    CONSTRAINT severity_is_worth_telling CHECK (severity IN ('critical', 'high', 'warning')),
    CONSTRAINT condition_is_known CHECK (condition IN ('firing', 'cleared')),
    CONSTRAINT attention_is_known
        CHECK (attention IN ('new', 'delivered', 'reviewing', 'resolved')),
    CONSTRAINT resolution_is_known
        CHECK (resolution IN ('cleared', 'timeout', 'manual', 'superseded')),
    CONSTRAINT what_is_open_fires CHECK (attention = 'resolved' OR condition = 'firing'),
    CONSTRAINT an_end_has_a_reason_a_time_and_an_author CHECK (
        CASE attention
            WHEN 'resolved' THEN num_nulls(resolution, resolved_at, resolved_by) = 0
            ELSE num_nonnulls(resolution, resolved_at, resolved_by) = 0
        END
    ),
    CONSTRAINT only_data_clear CHECK (resolution <> 'cleared' OR condition = 'cleared'),
    CONSTRAINT who_reviews_has_a_name CHECK (
        attention <> 'reviewing' OR num_nulls(acknowledged_by, acknowledged_at) = 0
    ),
    CONSTRAINT what_has_ended_sleeps_and_owes_no_more
        CHECK (attention <> 'resolved' OR num_nonnulls(snooze_until, owed) = 0),
    CONSTRAINT a_snooze_has_an_author CHECK (snooze_until IS NULL OR snoozed_by IS NOT NULL),
    CONSTRAINT what_took_its_place_came_after CHECK (superseded_by > id AND supersedes < id),
    CONSTRAINT counters_count CHECK (occurrences >= 1 AND escalation_level >= 0),
    CONSTRAINT an_unstable_peak_is_an_alert CHECK (flap_peak IN ('critical', 'high', 'warning'))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE alerts IS
    'What is worth telling a person, with two clocks: the condition moves on data, the attention on
people and time (docs/decisions/0014). Only the resolution "cleared" says that it is over.';
COMMENT ON COLUMN alerts.due_at IS
    'Before this, time alone changes nothing about it. NULL: time never will';
COMMENT ON COLUMN alerts.flap_seen IS
    'The last assessments of the subject, [time, severity or null], oldest first. It goes along to
the subject''s next alert';
COMMENT ON COLUMN alerts.owed IS 'A message that was held back and is due when nothing mutes it';
COMMENT ON COLUMN alerts.trace_id IS 'Of the message heard last';
COMMENT ON COLUMN alerts.last_heard IS 'What became of the message heard last, and why';
COMMENT ON COLUMN alerts.changed_in IS 'The transaction that last changed the row: the feed''s';

CREATE UNIQUE INDEX one_open_alert_a_subject ON alerts (subject_key)
    WHERE attention <> 'resolved';
CREATE INDEX alerts_newest_of_a_subject ON alerts (subject_key, id DESC);
CREATE INDEX alerts_due ON alerts (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alerts_changed_in ON alerts (changed_in);
CREATE INDEX alerts_of_a_product ON alerts (marketplace_id, asin, id DESC);
CREATE FUNCTION buybox_alert_settings_changed()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE public.alerts SET due_at = now() WHERE due_at IS NOT NULL;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION buybox_alert_settings_changed IS
    'What is due was worked out by the settings of before: everything is looked at once more.';
CREATE TRIGGER alert_settings_updated AFTER UPDATE ON alert_settings
    FOR EACH STATEMENT EXECUTE FUNCTION buybox_alert_settings_changed();
CREATE INDEX alerts_by_end ON alerts (resolved_at) WHERE attention = 'resolved';

CREATE TABLE alert_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id    bigint NOT NULL REFERENCES alerts (id),
    at          timestamptz NOT NULL,
    who         text NOT NULL CHECK (btrim(who) <> ''),
    change      text NOT NULL,
    from_phase  text,
    to_phase    text,
    reason      text NOT NULL,
    told        text,
    quiet       text,
    voice_why   text NOT NULL,
    ended       text[] NOT NULL DEFAULT '{}',
    trace_id    text,
    CONSTRAINT it_is_told_or_kept_quiet CHECK (num_nonnulls(told, quiet) = 1)
);
COMMENT ON TABLE alert_events IS
    'What happened to an alert: who, from, to, why, and whether people were told. Only appended.';
COMMENT ON COLUMN alert_events.told IS 'The kind of message that was due, or NULL';
COMMENT ON COLUMN alert_events.quiet IS 'Why there was none, as a code, or NULL';
COMMENT ON COLUMN alert_events.ended IS 'What of people''s doing it put an end to';
CREATE INDEX alert_events_of_an_alert ON alert_events (alert_id, id);
CREATE INDEX alert_events_by_time ON alert_events (at);

CREATE TABLE alert_tallies (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day  date NOT NULL,
    what text NOT NULL,
    n    bigint NOT NULL CHECK (n > 0)
);
COMMENT ON TABLE alert_tallies IS
    'How many assessments of a UTC day came to what: "assessed", or the code that kept one quiet.
Written in small, so that no two transactions wait for one row, and added up in the background.';
CREATE INDEX alert_tallies_by_day ON alert_tallies (day, what);
"""

DELIVERY = """
CREATE TABLE alert_routes (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}$'),
    channel        text NOT NULL CHECK (channel IN ('apprise', 'mail')),
    url_encrypted  bytea NOT NULL,
    url_masked     text NOT NULL,
    severities     text[] CHECK (severities <@ ARRAY['critical', 'high', 'warning', 'clear']),
    marketplaces   text[],
    asins          text[],
    tags           text[],
    reaches        text[] NOT NULL DEFAULT '{immediate,batch}'
        CHECK (reaches <@ ARRAY['immediate', 'batch', 'digest']),
    min_escalation integer NOT NULL DEFAULT 0 CHECK (min_escalation >= 0),
    quiet_from     time,
    quiet_to       time,
    quiet_zone     text,
    enabled        boolean NOT NULL DEFAULT true,
    trouble        text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     text NOT NULL,
    CONSTRAINT quiet_hours_are_whole_or_none
        CHECK (num_nonnulls(quiet_from, quiet_to, quiet_zone) IN (0, 3))
);
COMMENT ON TABLE alert_routes IS
    'Who is told what, where and when. A filter that is NULL lets everything through.';
COMMENT ON COLUMN alert_routes.url_encrypted IS
    'The channel''s address, with its secrets, under SECRET_KEY';
COMMENT ON COLUMN alert_routes.url_masked IS 'The address as people may see it';
COMMENT ON COLUMN alert_routes.min_escalation IS
    'Above 0: a second receiver, who hears only what has escalated so far';
COMMENT ON COLUMN alert_routes.trouble IS
    'What the operator must mend, such as a refused password; NULL: none known';

CREATE TABLE alert_queues (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue          text NOT NULL CHECK (queue IN ('high_priority', 'standard', 'background')),
    reach          text NOT NULL
        CHECK (reach IN ('immediate-channels', 'dashboard', 'batch', 'digest', 'history')),
    alert_id       bigint NOT NULL REFERENCES alerts (id),
    event_id       bigint REFERENCES alert_events (id),
    fingerprint    text NOT NULL,
    marketplace_id text NOT NULL,
    asin           text NOT NULL,
    severity       text CHECK (severity IN ('critical', 'high', 'warning', 'success', 'info')),
    tell           text NOT NULL,
    why            text NOT NULL,
    escalation     integer NOT NULL DEFAULT 0,
    scheduled_at   timestamptz NOT NULL,
    delivered_at   timestamptz,
    snooze_until   timestamptz,
    status         text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'delivered', 'failed', 'snoozed', 'suppressed')),
    reason         text NOT NULL,
    created_at     timestamptz NOT NULL,
    dispatched_at  timestamptz,
    CONSTRAINT delivered_has_a_time CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE alert_queues IS
    'Every message about an alert: which queue, for when, and what became of it and why.';
COMMENT ON COLUMN alert_queues.dispatched_at IS
    'When it was decided who hears of it; its deliveries say how that went';
CREATE INDEX alert_queues_due ON alert_queues (scheduled_at, id)
    WHERE status = 'queued' AND dispatched_at IS NULL;
CREATE INDEX alert_queues_of_an_alert ON alert_queues (alert_id, id);
CREATE INDEX alert_queues_by_time ON alert_queues (created_at);

CREATE TABLE alert_deliveries (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    route_id        bigint REFERENCES alert_routes (id) ON DELETE SET NULL,
    route_name      text NOT NULL,
    channel         text NOT NULL CHECK (channel IN ('dashboard', 'apprise', 'mail')),
    reach           text NOT NULL CHECK (reach IN ('immediate', 'batch', 'digest')),
    heading         text NOT NULL,
    status          text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'sending', 'delivered', 'failed', 'cancelled')),
    reason          text NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    taken_at        timestamptz,
    taken_by        text,
    error_class     text CHECK (error_class IN (
        'transient', 'rate-limited', 'auth', 'refused', 'cut-off', 'unreadable'
    )),
    last_error      text,
    message_id      text,
    created_at      timestamptz NOT NULL,
    delivered_at    timestamptz,
    CONSTRAINT a_delivered_one_has_a_time
        CHECK ((status = 'delivered') = (delivered_at IS NOT NULL)),
    CONSTRAINT what_is_sent_is_in_a_hand
        CHECK (status <> 'sending' OR num_nulls(taken_at, taken_by) = 0)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE alert_deliveries IS
    'One message to one receiver, about one alert or many. A row is queued until a channel took it
or nothing more can be tried.';
CREATE INDEX alert_deliveries_open ON alert_deliveries (next_attempt_at)
    WHERE status IN ('queued', 'sending');
CREATE INDEX alert_deliveries_by_time ON alert_deliveries (created_at);

CREATE TABLE alert_delivery_items (
    delivery_id bigint NOT NULL REFERENCES alert_deliveries (id) ON DELETE CASCADE,
    queue_id    bigint NOT NULL REFERENCES alert_queues (id),
    PRIMARY KEY (delivery_id, queue_id)
);
COMMENT ON TABLE alert_delivery_items IS 'Which messages of the queues one delivery carries.';
CREATE INDEX alert_delivery_items_of_a_message ON alert_delivery_items (queue_id);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    for part in (SETTINGS, ALERTS, DELIVERY):
        connection.exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("Migrations go forward only: restore a backup or write the next one.")
