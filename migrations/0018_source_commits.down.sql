do $$ begin
  if exists (select from information_schema.columns where table_name = 'announced' and column_name = 'found') then
    execute 'delete from announced where found';
  end if;
end $$;
alter table if exists announced drop column if exists found;
drop table if exists image_lookups;
