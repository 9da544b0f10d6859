drop index if exists announced_in_order;
