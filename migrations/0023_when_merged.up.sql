alter table pulls add column if not exists merged_at timestamptz; -- in the forge's clock; null: it is not merged, or nobody said when
