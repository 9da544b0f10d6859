alter table installations add column if not exists access bigint not null default 0; -- raised by every delivery about what it may do and see: tokens made before do not know

create index if not exists deliveries_received on deliveries using brin (received_at); -- for the clean-up: costs next to nothing where deliveries come in

alter table pulls add column if not exists observed bigint not null default 0; -- at which generation of the repository it was read last; an act's answer raises nothing

alter table commits add column if not exists tree text not null default '';
alter table commits add column if not exists files jsonb not null default '[]'; -- what Ferry wrote in it: path, blob, executable
alter table commits add column if not exists shows jsonb; -- the promotion that its pull request shows at it; null on any other branch, and after a loss
create index if not exists commits_tree on commits (repository, tree) where tree <> '';
create index if not exists commits_branch on commits (repository, branch, made_at desc) where shows is not null;
