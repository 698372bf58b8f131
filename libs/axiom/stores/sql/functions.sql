-- Schema names can't be parameters of DDL; these functions quote them. They live in `public`, outside any
-- schema that a rebuild swaps.
CREATE OR REPLACE FUNCTION public.axiom_adopt_epochs(target text, source text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'UPDATE %I.sink_offsets AS mine SET epoch = theirs.epoch + 1 FROM %I.sink_offsets AS theirs'
        ' WHERE (mine.consumer, mine.topic, mine.partition) = (theirs.consumer, theirs.topic, theirs.partition)',
        target, source
    );
END $$;

CREATE OR REPLACE FUNCTION public.axiom_rename_schema(name text, new_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', name, new_name);
END $$;

CREATE OR REPLACE FUNCTION public.axiom_drop_schema(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', name);
END $$;
