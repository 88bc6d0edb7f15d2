"""The production Database: MySQL 8.0.17 or later, or MariaDB 10.6 or later, through PyMySQL."""
