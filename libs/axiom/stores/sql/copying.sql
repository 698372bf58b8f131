-- tables: the tables of schema `control`
SELECT relname::text AS name FROM pg_class
WHERE relnamespace = to_regnamespace('control') AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname

-- columns: of each table, the columns that COPY takes, in order
SELECT cls.relname::text AS table_name, array_agg(att.attname::text ORDER BY att.attnum) AS columns
FROM pg_class AS cls JOIN pg_attribute AS att ON att.attrelid = cls.oid
WHERE cls.relnamespace = to_regnamespace('control') AND cls.relkind IN ('r', 'p') AND NOT cls.relispartition
    AND att.attnum > 0 AND NOT att.attisdropped AND att.attgenerated = ''
GROUP BY cls.relname

-- references: which table refers to which other
SELECT DISTINCT child.relname::text AS child, parent.relname::text AS parent
FROM pg_constraint AS con
JOIN pg_class AS child ON child.oid = con.conrelid JOIN pg_class AS parent ON parent.oid = con.confrelid
WHERE con.contype = 'f' AND con.connamespace = to_regnamespace('control') AND child.oid <> parent.oid

-- sequences: the last value of each sequence that has given one
SELECT sequencename::text AS name, last_value FROM pg_sequences
WHERE schemaname = 'control' AND last_value IS NOT NULL

-- migrations: which files of which packages have run
SELECT package, name FROM schema_migrations ORDER BY package, name

-- snapshot: every later statement of the transaction sees this moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- set_sequence: let a sequence go on after a value
SELECT setval(format('%I.%I', 'control', $1::text)::regclass, $2)

-- drop_control: the schema and all it holds
DROP SCHEMA IF EXISTS control CASCADE

-- empty_control: no row stays, of those that migrations have made either
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('control') AND relkind IN ('r', 'p')
    LOOP
        EXECUTE format('TRUNCATE TABLE control.%I CASCADE', one.relname);
    END LOOP;
END $$

-- mark: a restore begins; another one that did not end is forgotten
CREATE TABLE IF NOT EXISTS public.axiom_restoring (backup text NOT NULL, begun_at timestamptz NOT NULL DEFAULT now());
DELETE FROM public.axiom_restoring;

-- name_mark: which backup is being restored
INSERT INTO public.axiom_restoring (backup) VALUES ($1)

-- marked: whether a restore began and did not end
SELECT to_regclass('public.axiom_restoring') IS NOT NULL AS marked

-- unmark: it ended
DROP TABLE IF EXISTS public.axiom_restoring
