alter table holds add column if not exists apps jsonb not null default '[]'; -- of a group: those that were in it when it was stopped, and stay so
alter table freezes add column if not exists apps jsonb not null default '[]';
update holds h set apps = a.names from (select repository, travels, jsonb_agg(name order by name) as names from apps where travels <> '' group by repository, travels) a
where a.repository = h.repository and a.travels = h.app and h.lifted_at is null and h.apps = '[]';
update freezes f set apps = a.names from (select repository, travels, jsonb_agg(name order by name) as names from apps where travels <> '' group by repository, travels) a
where a.repository = f.repository and a.travels = f.app and f.lifted_at is null and f.apps = '[]';
