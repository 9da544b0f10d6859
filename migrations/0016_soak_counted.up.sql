alter table deployments add column if not exists counted_from timestamptz; -- since when what soaked shows was counted, with breaks; null: it shows nothing, or was read back
update deployments set counted_from = coalesce(healthy_from, now()) - soaked / 1000.0 * interval '1 microsecond' where counted_from is null and (healthy_from is not null or soaked > 0);
