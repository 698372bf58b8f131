-- quality_tiers: of sessions so long ago
DELETE FROM quality_tiers WHERE checked_for < $1::timestamptz::date
