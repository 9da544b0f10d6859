alter table pulls add column if not exists merged_by text not null default ''; -- login; empty: it is not merged, or nobody said who
