drop table if exists apps_registered;
