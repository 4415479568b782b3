-- A purge that is cut off after its last deletion has something left to do, of which its rows tell nothing.
ALTER TABLE rooms ADD COLUMN purge_begun boolean NOT NULL DEFAULT false; -- a part of the history is being deleted: caches and counts are brought up to date at the end
