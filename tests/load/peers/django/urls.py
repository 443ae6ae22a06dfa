from django.urls import path
from loyalty.schema import schema
from strawberry.django.views import GraphQLView

urlpatterns = [path("graphql", GraphQLView.as_view(schema=schema, graphql_ide=None))]
