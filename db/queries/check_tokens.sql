-- Whether anybody has ever made a token: until then, and only on loopback, the dashboard asks for none.
SELECT EXISTS (SELECT 1 FROM api_tokens) AS made
