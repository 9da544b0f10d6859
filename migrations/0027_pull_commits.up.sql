alter table pulls add column if not exists commits text[] not null default '{}'; -- that an open hand-made one had and the default branch had not, as it was read last
