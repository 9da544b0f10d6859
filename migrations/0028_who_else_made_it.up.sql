-- Who else made commits whose messages name co-authors by addresses that only the forge knows, where it did not tell that at first. Until it does, no approval counts
-- of what they are a part of.
create table if not exists co_authors (
  repository bigint not null references repositories (id), -- the environment repository, whose installation asks
  source     text not null default '',  -- owner/name; empty: the environment repository itself
  revision   text not null default '',  -- of its branch, with which the commit came; empty: of a source
  sha        text not null,
  named      text[],                    -- by login; null: the forge has not told
  problem    text not null default '',  -- why not
  attempts   int not null default 0,
  asked_at   timestamptz not null,      -- for the first time
  due_at     timestamptz,               -- when it is asked again; null: it has told
  primary key (repository, source, revision, sha)
);
create index if not exists co_authors_due on co_authors (due_at) where due_at is not null;
