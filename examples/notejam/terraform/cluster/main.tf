variable "region" {
  type = string
}

output "endpoint" {
  value = "https://cluster.${var.region}"
}
