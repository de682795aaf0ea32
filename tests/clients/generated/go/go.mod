module kommando-generated-clients-test

go 1.23

require example.com/kommando/client v0.0.0

replace example.com/kommando/client => ./kommando-client
