variable "atlas_key" {
  type      = string
  sensitive = true
}

variable "region" {
  type = string
}

output "gke_endpoint" {
  value = "https://cluster.${var.region}"
}

output "deploy_queue" {
  value = "deploy-queue"
}

output "destroy_queue" {
  value = "destroy-queue"
}

output "atlas_uri" {
  value = "mongodb+srv://main"
}
