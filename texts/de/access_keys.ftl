# access_keys
