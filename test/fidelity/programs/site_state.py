import site
import sysconfig

print(site.getsitepackages(), site.ENABLE_USER_SITE, sysconfig.get_paths()["purelib"], sysconfig.get_platform())
