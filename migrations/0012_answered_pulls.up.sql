alter table pulls add column if not exists answered boolean not null default false; -- it stands here as an act was answered, and no observation has seen it since
