drop table if exists lost_deliveries;
drop table if exists delivery_logs;
