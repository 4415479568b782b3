-- Run once by the PostgreSQL image: a database per server, with a byte order that no locale changes.
CREATE DATABASE one ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE two ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
