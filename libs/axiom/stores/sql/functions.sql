-- Schema names can't be parameters of DDL; these functions quote them. They live in `public`, outside any
-- schema that a rebuild swaps. One lock orders what changes schemas: a name that is looked up under it stays
-- what it is until the end of the transaction.
CREATE OR REPLACE FUNCTION public.axiom_lock_schemas() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('axiom schemas'));
END $$;

CREATE OR REPLACE FUNCTION public.axiom_lock_offsets(name text, owner text)
RETURNS TABLE (topic text, partition integer, epoch bigint, next_offset bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.axiom_lock_schemas();
    IF to_regclass(format('%I.sink_offsets', name)) IS NOT NULL THEN
        RETURN QUERY EXECUTE format(
            'SELECT topic, partition, epoch, next_offset FROM %I.sink_offsets WHERE consumer = $1 FOR UPDATE',
            name
        ) USING owner;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION public.axiom_adopt_epochs(target text, source text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'UPDATE %I.sink_offsets AS mine SET epoch = greatest(mine.epoch, theirs.epoch) + 1'
        ' FROM %I.sink_offsets AS theirs'
        ' WHERE (mine.consumer, mine.topic, mine.partition) = (theirs.consumer, theirs.topic, theirs.partition)',
        target, source
    );
END $$;

CREATE OR REPLACE FUNCTION public.axiom_rename_schema(name text, new_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.axiom_lock_schemas();
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', name, new_name);
END $$;

-- Waits for readers of the schema's tables, but not for ever: others wait for the same lock. It never waits while
-- it holds some of the tables: a reader that has one and wants the next would be shot as a deadlock.
CREATE OR REPLACE FUNCTION public.axiom_drop_schema(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    relation record;
    give_up timestamptz := clock_timestamp() + interval '10 seconds';
BEGIN
    PERFORM public.axiom_lock_schemas();
    LOOP
        BEGIN
            FOR relation IN
                SELECT relname FROM pg_class
                WHERE relnamespace = to_regnamespace(quote_ident(name)) AND relkind IN ('r', 'p', 'v')
                    AND NOT relispartition
                ORDER BY oid
            LOOP
                EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE NOWAIT', name, relation.relname);
            END LOOP;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN -- which lets go of those that were got
            IF clock_timestamp() > give_up THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(0.01);
        END;
    END LOOP;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', name);
END $$;

-- When a store's schema was last written to; when it was made, if it has no offsets yet.
CREATE OR REPLACE FUNCTION public.axiom_written_at(name text) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    found timestamptz;
BEGIN
    IF to_regclass(format('%I.sink_offsets', name)) IS NOT NULL THEN
        EXECUTE format(
            'SELECT greatest((SELECT max(updated_at) FROM %I.sink_offsets),'
            ' (SELECT max(applied_at) FROM %I.schema_migrations))', name, name
        ) INTO found;
    END IF;
    RETURN found;
END $$;
