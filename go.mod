module kenoma

go 1.26
