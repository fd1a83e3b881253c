# Tries: to have a public web server send it on to the metadata of the cloud.
# Must:  get no further than the public server.
import urllib.error
import urllib.request

print(urllib.request.urlopen("http://public.example:8080/page", timeout=5).read().decode())
try:
    print("REACHED", urllib.request.urlopen("http://public.example:8080/away", timeout=5).read())
except urllib.error.URLError as error:
    print(type(error.reason).__name__)
