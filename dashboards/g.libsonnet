// The one import of grafonnet.
import 'github.com/grafana/grafonnet/gen/grafonnet-v11.4.0/main.libsonnet'
