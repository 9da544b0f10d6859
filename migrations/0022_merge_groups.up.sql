-- What a merge queue is about to merge: the head of each group, with the pull requests in it. Where the branch asks for ferry/gates, the queue waits for it there.
create table if not exists merge_groups (
  repository  bigint not null references repositories (id),
  sha         text not null,
  members     int[] not null, -- their numbers, in the queue's order
  primary key (repository, sha)
);

alter table repositories add column if not exists merge_queue boolean not null default false; -- its default branch has one
