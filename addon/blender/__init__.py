def register(package):pass
def unregister():pass
