# CLIENT_SECRET from the environment; use a token until shortly before it expires
curl -s -u CLIENT_ID:"$CLIENT_SECRET" -d grant_type=client_credentials -d scope=SCOPE \
  ISSUER/oauth/token
