alter table wishes add column if not exists applied_at timestamptz; -- when it was made true last; null: before Ferry noted that
