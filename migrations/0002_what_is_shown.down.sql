drop index if exists commits_branch, commits_tree, deliveries_received;
alter table commits drop column if exists shows, drop column if exists files, drop column if exists tree;
alter table pulls drop column if exists observed;
alter table installations drop column if exists access;
