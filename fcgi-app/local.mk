# fcgi-app
