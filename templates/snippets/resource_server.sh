# ask about a token that came with a request; CLIENT_SECRET from the environment
curl -s -u CLIENT_ID:"$CLIENT_SECRET" -d "token=$TOKEN" \
  ISSUER/oauth/introspect
