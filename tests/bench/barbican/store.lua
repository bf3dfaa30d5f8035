-- Stores 32 bytes in one step. HEADERS: "Name: value" lines.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"name":"bench","payload":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",' ..
           '"payload_content_type":"application/octet-stream","payload_content_encoding":"base64"}'
