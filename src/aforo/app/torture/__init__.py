"""`aforo torture`: kill -9 under load on a disk that forgets what was not synced, and then count. See `lives`."""
