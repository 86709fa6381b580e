import type { WatchedTableShape } from '../triggers.ts';

/** Every transaction that logs a change takes it until its end: numbers of the log are given in the order of commits. */
export const LOG_LOCK = 74_001;
/** Told after each commit that logged something. */
export const CHANGE_CHANNEL = 'imp_change';

/**
 * The one function behind the triggers of all tables. Arguments of a trigger are the key's columns. Every name is
 * qualified: the apply worker of replication runs with an empty search path. A replicated row has the origin `node`.
 */
export const LOG_FUNCTION = `
CREATE FUNCTION public.imp_log_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
DECLARE
  before jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
  key_before text;
  key_after text;
  differing text := '';
  origin_of text := coalesce(nullif(current_setting('imp.origin', true), ''),
    CASE WHEN current_setting('session_replication_role') = 'replica' THEN 'node' ELSE 'administrator' END);
  request_of text := coalesce(current_setting('imp.request', true), '');
  now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
BEGIN
  IF before IS NOT NULL AND after IS NOT NULL AND before = after THEN RETURN NULL; END IF;
  SELECT string_agg(before ->> name, chr(31) ORDER BY place), string_agg(after ->> name, chr(31) ORDER BY place)
    INTO key_before, key_after FROM unnest(TG_ARGV) WITH ORDINALITY AS keys (name, place);
  PERFORM pg_advisory_xact_lock(${LOG_LOCK});
  IF key_before IS NOT DISTINCT FROM key_after THEN
    SELECT coalesce(string_agg(key || ',', ''), '') INTO differing
      FROM jsonb_each(after) WHERE value IS DISTINCT FROM before -> key;
    INSERT INTO public.change_log (tbl, op, key, changed, origin, requestid, at)
      VALUES (TG_TABLE_NAME, 'u', key_after, differing, origin_of, request_of, now_ms);
  ELSE
    IF key_before IS NOT NULL THEN
      INSERT INTO public.change_log (tbl, op, key, changed, origin, requestid, at)
        VALUES (TG_TABLE_NAME, 'd', key_before, '', origin_of, request_of, now_ms);
    END IF;
    IF key_after IS NOT NULL THEN
      INSERT INTO public.change_log (tbl, op, key, changed, origin, requestid, at)
        VALUES (TG_TABLE_NAME, 'i', key_after, '', origin_of, request_of, now_ms);
    END IF;
  END IF;
  PERFORM pg_notify('${CHANGE_CHANNEL}', '');
  RETURN NULL;
END $body$`;

/** The trigger of a table, also for rows that replication brings. */
export function postgresTriggers({ name, key }: WatchedTableShape): string[] {
  const columns = key.map((column) => `'${column}'`).join(', ');
  return [
    `CREATE TRIGGER ${name}_logged AFTER INSERT OR UPDATE OR DELETE ON ${name}
     FOR EACH ROW EXECUTE FUNCTION public.imp_log_change(${columns})`,
    `ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${name}_logged`,
  ];
}
