drop table if exists co_authors;
