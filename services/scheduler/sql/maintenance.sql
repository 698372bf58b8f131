-- bloated: dead rows of the tables in schema control
SELECT relname AS name, n_dead_tup AS dead_rows FROM pg_stat_user_tables WHERE schemaname = 'control';

-- vacuum_control: the tables that change with every tick
VACUUM job_ticks, job_attempts, job_outbox, job_cursors;

-- analyze: statistics of every table that we may read
ANALYZE;
