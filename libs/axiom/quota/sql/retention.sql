-- days: calls by day
DELETE FROM quota_days WHERE day < $1::timestamptz::date
